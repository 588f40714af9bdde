# Everything a cmdlet takes for a machine, and what it refuses.

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    Enter-TestHome | Out-Null
    New-TestImage (Join-Path $TestHome web01.raw), (Join-Path $TestHome web02.raw), (Join-Path $TestHome db01.raw) | Import-IaaSVm | Out-Null
}

AfterAll { Exit-TestHome }

Describe 'A machine is named' {
    It 'by its name, in any case' { (Get-IaaSVm WEB01).Name | Should -Be 'web01' }

    It 'by position, and by every alias' {
        foreach ($alias in 'Vm', 'Name', 'VMName', 'InputObject') {
            $parameter = @{ $alias = 'web01' }
            (Get-IaaSVm @parameter).Name | Should -Be 'web01'
        }
    }

    It 'by a pattern <Pattern>' -ForEach @(
        @{ Pattern = 'web*'; Expected = 'web01', 'web02' }
        @{ Pattern = 'WEB0?'; Expected = 'web01', 'web02' }
        @{ Pattern = '*01'; Expected = 'db01', 'web01' }
        @{ Pattern = '*'; Expected = 'db01', 'web01', 'web02' }
        @{ Pattern = 'web0[2-9]'; Expected = 'web02' }
        @{ Pattern = 'none*'; Expected = @() }
    ) { @(Get-IaaSVm $Pattern -ErrorAction Stop).Name | Should -Be $Expected }

    It 'by its id, as text and as a Guid' {
        $id = (Get-IaaSVm web01).Id
        (Get-IaaSVm $id).Name | Should -Be 'web01'
        (Get-IaaSVm "$id").Name | Should -Be 'web01'
        (Get-IaaSVm $id.ToString('N').ToUpperInvariant()).Name | Should -Be 'web01'
    }

    It 'by the machine itself' { (Get-IaaSVm (Get-IaaSVm web01)).Name | Should -Be 'web01' }

    It 'by an array of names, ids and machines' {
        (Get-IaaSVm 'web01', (Get-IaaSVm db01), (Get-IaaSVm web02).Id).Name | Should -Be 'web01', 'db01', 'web02'
    }

    It 'by names and machines on the pipeline' {
        ('web02', (Get-IaaSVm web01) | Get-IaaSVm).Name | Should -Be 'web02', 'web01'
    }

    It 'by a machine made in a script' {
        (Get-IaaSVm ([AzureIaaS.VirtualMachine]@{ Name = 'web01' })).Name | Should -Be 'web01'
    }

    It 'by a row of Select-Object' {
        (Get-IaaSVm web* | Select-Object Name, State | Get-IaaSVm).Name | Should -Be 'web01', 'web02'
        (Get-IaaSVm web* | Select-Object Id | Get-IaaSVm).Name | Should -Be 'web01', 'web02'
    }

    It 'by a row of a CSV file' {
        $csv = Join-Path $TestHome machines.csv
        Get-IaaSVm web* | Export-Csv $csv
        (Import-Csv $csv | Get-IaaSVm).Name | Should -Be 'web01', 'web02'
        "VMName`nweb01" | Set-Content $csv
        (Import-Csv $csv | Get-IaaSVm).Name | Should -Be 'web01'
    }

    It 'by a row of a JSON file' {
        (Get-IaaSVm web* | ConvertTo-Json -Depth 5 -WarningAction Ignore | ConvertFrom-Json | Get-IaaSVm).Name | Should -Be 'web01', 'web02'
    }

    It 'by a hashtable' {
        (@{ Name = 'web01' } | Get-IaaSVm).Name | Should -Be 'web01'
        (Get-IaaSVm @{ VMName = 'web01' }).Name | Should -Be 'web01'
        ([ordered]@{ Name = 'web02'; Role = 'web' } | Get-IaaSVm).Name | Should -Be 'web02'
    }

    It 'by what came back from a file of Export-Clixml' {
        $xml = Join-Path $TestHome machine.xml
        Get-IaaSVm web01 | Export-Clixml $xml
        $back = Import-Clixml $xml
        $back.PSObject.TypeNames[0] | Should -Be 'Deserialized.AzureIaaS.VirtualMachine'
        ($back | Get-IaaSVm).Name | Should -Be 'web01'
    }

    It 'by what came back from a job in another process' {
        $job = Start-Job { Import-Module $using:ModulePath; Get-IaaSVm db01 }
        $back = $job | Receive-Job -Wait -AutoRemoveJob
        $back.PSObject.TypeNames[0] | Should -Be 'Deserialized.AzureIaaS.VirtualMachine'
        ($back | Get-IaaSVm).Name | Should -Be 'db01'
    }
}

Describe 'What is no machine is refused:' {
    It 'an empty name' {
        foreach ($nothing in '', ' ', $null, @(), @('web01', '')) {
            { Get-IaaSVm $nothing -ErrorAction Stop } | Should -Throw -ErrorId 'Parameter*'
            { Start-IaaSVm $nothing -ErrorAction Stop } | Should -Throw -ErrorId 'Parameter*'
        }
        { '' | Stop-IaaSVm -ErrorAction Stop } | Should -Throw '*cannot be empty*'
    }

    It '<What>' -ForEach @(
        @{ What = 'a process'; Make = { Get-Process -Id $PID } }
        @{ What = 'a file'; Make = { Get-Item $PSCommandPath } }
        @{ What = 'a folder'; Make = { Get-Item $PSScriptRoot } }
        @{ What = 'a service-like object'; Make = { [Diagnostics.ProcessStartInfo]::new() } }
        @{ What = 'a row without a name'; Make = { [pscustomobject]@{ Role = 'web' } } }
        @{ What = 'a hashtable without a name'; Make = { @{ Role = 'web' } } }
        @{ What = 'an operation'; Make = { [AzureIaaS.Operation]@{ VmName = 'web01' } } }
    ) {
        $thing = & $Make
        { $thing | Stop-IaaSVm -Force -ErrorAction Stop } | Should -Throw '*is no machine*'
        { Stop-IaaSVm -Vm $thing -Force } | Should -Throw '*is no machine*'
        { Stop-IaaSVm -Vm 'web01', $thing -Force } | Should -Throw '*is no machine*'
    }

    It 'and nothing was done to the machines named beside it' {
        Start-IaaSVm web01 | Out-Null
        { Stop-IaaSVm -Vm 'web01', (Get-Process -Id $PID) -Force } | Should -Throw
        (Get-IaaSVm web01).State | Should -Be Running
        Stop-IaaSVm web01 | Out-Null
    }

    It 'a machine that is not there, by name and by id' {
        $failure = Get-ErrorOf { Get-IaaSVm nobody -ErrorAction Stop }
        $failure.FullyQualifiedErrorId | Should -Be 'VmNotFound,AzureIaaS.PowerShell.Commands.GetVmCommand'
        $failure.CategoryInfo.Category | Should -Be ObjectNotFound
        $failure.TargetObject | Should -Be 'nobody'
        $failure.ErrorDetails.RecommendedAction | Should -Match 'Get-IaaSVm'
        (Get-ErrorOf { Get-IaaSVm (New-Guid) -ErrorAction Stop }).CategoryInfo.Category | Should -Be ObjectNotFound
    }

    It 'and the others have their turn' {
        $found = 'nobody', 'web01', 'nothing', 'db01' | Get-IaaSVm -ErrorAction SilentlyContinue -ErrorVariable failures
        $found.Name | Should -Be 'web01', 'db01'
        $failures.TargetObject | Should -Be 'nobody', 'nothing'
    }
}

BeforeDiscovery {
    Import-Module "$PSScriptRoot/Common.psm1"
    Import-Module $ModulePath
    # Wait-IaaSVm and Get-IaaSVmScreenshot look at machines that run, Join-IaaSNetwork names the network first, and Measure-IaaSAvailability gives one
    # answer for all; Import-IaaSVm takes machines of another context, as objects. Their own tests name machines in more ways than one.
    $takers = Get-Command -Module AzureIaaS | Where-Object { $_.Parameters.ContainsKey('Vm') -and $_.Name -notin 'Wait-IaaSVm', 'Get-IaaSVmScreenshot', 'Join-IaaSNetwork', 'Measure-IaaSAvailability', 'Import-IaaSVm' } |
        ForEach-Object { @{ Name = $_.Name; Changes = $_.Parameters.ContainsKey('WhatIf') } }
}

Describe 'Every cmdlet that takes machines:' {
    BeforeAll {
        # What they need besides; all that change something are asked only what they would do.
        $more = @{
            'Add-IaaSVmDisk' = '-Size 1GB'; 'Invoke-IaaSFailover' = '-Kind Test'; 'Invoke-IaaSVmCommand' = '-Command id'; 'Remove-IaaSVmDisk' = '-DiskName disk1'
            'Remove-IaaSVmCheckpoint' = '-CheckpointName kept'; 'Restore-IaaSVmCheckpoint' = '-CheckpointName kept'; 'Get-IaaSFailover' = '-Last 1'; 'Get-IaaSVmConsole' = '-Tail 1'
        }
        Get-IaaSVm web* | Checkpoint-IaaSVm -CheckpointName kept | Out-Null
        Get-IaaSVm web* | Invoke-IaaSFailover -Kind Test | Out-Null
        foreach ($vm in Get-IaaSVm web*) { "of $vm" | Set-Content (Join-Path (Split-Path $vm.Disks[0].Path) console.log) }
        $file = Join-Path $TestHome taken
        Get-IaaSVm web* | Export-Csv "$file.csv"
        Get-IaaSVm web* | Export-Clixml "$file.xml"
        $forms = @(
            '@ web01, web02 +', '@ -Vm web* +', "'web01', 'web02' | @ +", 'Get-IaaSVm web* | @ +', '(Get-IaaSVm web*).Id | @ +'
            "Import-Csv '$file.csv' | @ +", "Import-Clixml '$file.xml' | @ +", 'Get-IaaSVm web* | Select-Object Name | @ +'
            "@{ Name = 'web01' }, @{ VMName = 'web02' } | @ +"
        )

        # All of them in one new shell, which writes what would be done as text.
        function Get-Line {
            param($Command, [string]$Form)
            $Form -replace '@(?! ?\{)', $Command.Name -replace '\+$', "$($more[$Command.Name]) $($Command.Parameters.ContainsKey('WhatIf') ? '-WhatIf' : '')"
        }
        $script = foreach ($command in Get-Command -Module AzureIaaS | Where-Object Name -In $Takers.Name) {
            foreach ($form in $forms) { "'== $($command.Name)'; $(Get-Line $command $form) | ForEach-Object { `"`$(`$_.VmName ?? `$_.Name ?? `$_)`" }" }
        }
        $said = @{ }
        foreach ($line in Invoke-Shell ($script -join '; ')) {
            if ($line -match '^== (.+)$') {
                $said[$Matches[1]] ??= [Collections.Generic.List[object]]::new()
                $said[$Matches[1]].Add(($lines = [Collections.Generic.List[string]]::new()))
            }
            else { $lines.Add($line) }
        }
    }

    AfterAll { Get-IaaSVmCheckpoint | Remove-IaaSVmCheckpoint }

    It '<Name> takes all that names one' -ForEach $takers {
        $runs = $said[$Name]
        $runs.Count | Should -Be $forms.Count
        for ($i = 0; $i -lt $forms.Count; $i++) {
            $text = $runs[$i] -join "`n"
            foreach ($vm in 'web01', 'web02') { ([regex]::Matches($text, "\b$vm\b")).Count | Should -Be 1 -Because "$Name in $($forms[$i]) said: $text" }
        }
    }

    It '<Name> refuses what is no machine, or is not there' -ForEach $takers {
        $given = @{ Size = 1GB; Kind = 'Test'; Command = 'id'; DiskName = 'disk1'; CheckpointName = 'kept'; WhatIf = $true }
        foreach ($key in @($given.Keys)) { if (-not (Get-Command $Name).Parameters.ContainsKey($key)) { $given.Remove($key) } }
        $thing = Get-Process -Id $PID
        { $thing | & $Name @given -ErrorAction Stop } | Should -Throw '*is no machine*'
        (Get-ErrorOf { & $Name nobody @given -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'VmNotFound,*'
        { & $Name '' @given -ErrorAction Stop } | Should -Throw -ErrorId 'Parameter*'
        & $Name none* @given -ErrorAction Stop | Should -BeNullOrEmpty
    }
} -ForEach @{ Takers = $takers }

Describe 'The other way round' {
    It 'a machine binds to what takes a computer''s name' {
        $machine = [AzureIaaS.VirtualMachine]@{ Name = 'web01'; ComputerName = 'web01.lan'; IPAddress = '10.0.0.5' }
        $machine.HostName | Should -Be 'web01.lan'
        function Get-Bound { param([Parameter(ValueFromPipelineByPropertyName)][string]$ComputerName) process { $ComputerName } }
        $machine | Get-Bound | Should -Be 'web01.lan'
    }

    It 'a machine has none of the properties that select Hyper-V''s parameters' {
        (Get-IaaSVm web01).PSObject.Properties.Name | Should -Not -Contain VMName
        (Get-IaaSVm web01).PSObject.Properties.Name | Should -Not -Contain VMId
    }

    It 'every type on the pipeline can be made in a script' {
        foreach ($type in (Get-Command -Module AzureIaaS).OutputType.Type | Where-Object { $_ -and $_.Namespace -like 'AzureIaaS*' } | Sort-Object FullName -Unique) {
            $type::new() | Should -BeOfType $type
        }
    }
}
