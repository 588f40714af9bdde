# -WhatIf and -Confirm: what is only asked about leaves every byte of the fabric as it was.

BeforeDiscovery {
    Import-Module "$PSScriptRoot/Common.psm1"
    Import-Module $ModulePath
    # A command of every cmdlet that changes something; the first test sees to it that none is forgotten.
    $changes = @(
        @{ Name = 'Import-IaaSVm'; Script = 'Import-IaaSVm $image -Name new'; Says = 'would become new: 1 CPU, 1 GB, Bios, disk0 1 MB on Ide' }
        @{ Name = 'Start-IaaSVm'; Script = 'Get-IaaSVm | Start-IaaSVm'; Says = '"Start" on target "stopped on host' }
        @{ Name = 'Stop-IaaSVm'; Script = 'Stop-IaaSVm *'; Says = '"Stop" on target "running"' }
        @{ Name = 'Stop-IaaSVm'; Script = 'Stop-IaaSVm running -Force'; Says = '"Pull the plug" on target "running"' }
        @{ Name = 'Restart-IaaSVm'; Script = 'Restart-IaaSVm running'; Says = '"Restart" on target "running"' }
        @{ Name = 'Resume-IaaSVm'; Script = 'Resume-IaaSVm *'; Says = '"Resume" on target "running"' }
        @{ Name = 'Remove-IaaSVm'; Script = 'Remove-IaaSVm * -Force'; Says = '"Remove with its disks" on target "running"' }
        @{ Name = 'Resume-IaaSOperation'; Script = 'Resume-IaaSOperation'; Says = '"Resume" on target "Import cut' }
        @{ Name = 'Undo-IaaSOperation'; Script = 'Get-IaaSOperation | Undo-IaaSOperation'; Says = '"Undo" on target "Import cut' }
    )
    $cmdlets = @(Get-Command -Module AzureIaaS | Where-Object { $_.Parameters.ContainsKey('WhatIf') } | ForEach-Object { @{ Name = $_.Name; Covered = $changes.Name } })
}

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    $fabric = (Enter-TestHome).Path
    $image = (New-TestImage (Join-Path $TestHome running.raw)).FullName
    Import-IaaSVm $image | Start-IaaSVm | Out-Null
    Import-IaaSVm $image -Name stopped | Out-Null
    Import-IaaSVm $image -Name ended | Start-IaaSVm | Stop-IaaSVm | Out-Null

    # An import that was cut off.
    $slow = New-SlowImage (Join-Path $TestHome cut.qcow2)
    $shell = [powershell]::Create()
    $running = $shell.AddScript("Import-Module '$ModulePath'; Import-IaaSVm '$slow'").BeginInvoke()
    Wait-Until { Get-IaaSOperation | Where-Object Step -EQ copy }
    $shell.Stop()
    Wait-Until { $running.IsCompleted }
    $shell.Dispose()

    # What is said with -WhatIf goes to the host: to a shell's output, and nowhere in a runspace without one.
    function Invoke-Quiet {
        param([string]$Command)
        $shell = [powershell]::Create()
        try {
            $shell.AddScript("Import-Module '$ModulePath'; `$image = '$image'; $Command").Invoke()
            if ($shell.Streams.Error) { throw $shell.Streams.Error[0] }
        }
        finally { $shell.Dispose() }
    }
}

AfterAll {
    Undo-IaaSOperation -Confirm:$false
    Exit-TestHome
}

Describe 'Every cmdlet that changes something:' {
    It '<Name> is tried here' -ForEach $cmdlets { $Covered | Should -Contain $Name }
}

Describe '-WhatIf of <Script>' -ForEach $changes {
    BeforeAll { $before = Get-FolderState $fabric }

    It 'changes nothing and gives out nothing' {
        Invoke-Quiet "$Script -WhatIf" | Should -BeNullOrEmpty
        Get-FolderState $fabric | Should -Be $before
    }

    It 'is the same by preference' {
        Invoke-Quiet "`$WhatIfPreference = `$true; $Script" | Should -BeNullOrEmpty
        Get-FolderState $fabric | Should -Be $before
    }
}

Describe '-WhatIf' {
    It 'says what would be done, for every cmdlet' {
        $said = (Invoke-Shell "`$image = '$image'; $(($Changes.Script | ForEach-Object { "$_ -WhatIf" }) -join '; ')") -replace '^What if: '
        foreach ($change in $Changes) { $said -match [regex]::Escape($change.Says) | Should -Not -BeNullOrEmpty -Because $change.Script }
    }
} -ForEach @{ Changes = $changes }

Describe '-WhatIf of an import' {
    It 'makes every refusal that the import would make' {
        { Import-IaaSVm $image -Name running -WhatIf -ErrorAction Stop } | Should -Throw -ErrorId 'VmNameTaken,*'
        { Import-IaaSVm $PSCommandPath -WhatIf -ErrorAction Stop } | Should -Throw -ErrorId 'DiskImageUnrecognised,*'
        { Import-IaaSVm $image -Name other -Memory 512 -WhatIf -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidMemorySize,*'
    }

    It 'in a fabric that nothing was ever imported to leaves that as empty as it was' {
        $empty = New-TestFabric (Join-Path $TestHome empty) -Name empty
        $before = Get-FolderState $empty.Path
        Invoke-Quiet 'Import-IaaSVm $image -WhatIf'
        Get-FolderState $empty.Path | Should -Be $before
        Connect-IaaS -Path $fabric -Hypervisor Simulated -Name test | Out-Null
    }
}

Describe '-Confirm' {
    It 'asks for each machine, and a no leaves it alone' -Skip:(-not $IsLinux) {
        $answer = "n`ny`n" | & $PowerShellPath -NoLogo -NoProfile -Command "Import-Module '$ModulePath'; (Get-IaaSVm stopped, ended | Start-IaaSVm -Confirm).Name"
        "$answer" | Should -Match 'Are you sure'
        (Get-IaaSVm stopped).State | Should -Be Deallocated
        (Get-IaaSVm ended).State | Should -Be Running
        Stop-IaaSVm ended | Out-Null
    }

    It 'is what removing does unless told otherwise' {
        $command = Get-Command Remove-IaaSVm
        $command.ImplementingType.GetCustomAttributes($true).Where{ $_ -is [Management.Automation.CmdletAttribute] }.ConfirmImpact | Should -Be High
        $answer = Invoke-Shell 'Remove-IaaSVm stopped'
        "$answer" | Should -Match 'NonInteractive'
        (Get-IaaSVm stopped).Name | Should -Be 'stopped'
    }
}
