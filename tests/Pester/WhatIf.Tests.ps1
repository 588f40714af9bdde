# -WhatIf and -Confirm: what is only asked about leaves every byte of the fabric as it was.

BeforeDiscovery {
    Import-Module "$PSScriptRoot/Common.psm1"
    Import-Module $ModulePath
    # A script for every cmdlet that changes something; the first test sees to it that none is forgotten.
    $changes = @(
        @{ Name = 'Import-IaaSVm'; Script = { param($p) Import-IaaSVm $image -Name new @p }; Says = 'would become new: 1 CPU, 1 GB, Bios, disk0 1 MB on Ide' }
        @{ Name = 'Start-IaaSVm'; Script = { param($p) Get-IaaSVm | Start-IaaSVm @p }; Says = '"Start" on target "stopped"' }
        @{ Name = 'Stop-IaaSVm'; Script = { param($p) Stop-IaaSVm * @p }; Says = '"Stop" on target "running"' }
        @{ Name = 'Stop-IaaSVm'; Script = { param($p) Stop-IaaSVm running -Force @p }; Says = '"Pull the plug" on target "running"' }
        @{ Name = 'Restart-IaaSVm'; Script = { param($p) Restart-IaaSVm running @p }; Says = '"Restart" on target "running"' }
        @{ Name = 'Resume-IaaSVm'; Script = { param($p) Resume-IaaSVm * @p }; Says = '"Resume" on target "running"' }
        @{ Name = 'Remove-IaaSVm'; Script = { param($p) Remove-IaaSVm * -Force @p }; Says = '"Remove with its disks" on target "running"' }
        @{ Name = 'Resume-IaaSOperation'; Script = { param($p) Resume-IaaSOperation @p }; Says = '"Resume" on target "Import cut' }
        @{ Name = 'Undo-IaaSOperation'; Script = { param($p) Get-IaaSOperation | Undo-IaaSOperation @p }; Says = '"Undo" on target "Import cut' }
    )
    $cmdlets = @(Get-Command -Module AzureIaaS | Where-Object { $_.Parameters.ContainsKey('WhatIf') } | ForEach-Object { @{ Name = $_.Name; Covered = $changes.Name } })
}

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    $fabric = (Enter-TestHome $TestDrive).Path
    $image = (New-TestImage (Join-Path $TestDrive running.raw)).FullName
    Import-IaaSVm $image | Start-IaaSVm | Out-Null
    Import-IaaSVm $image -Name stopped | Out-Null
    Import-IaaSVm $image -Name ended | Start-IaaSVm | Stop-IaaSVm | Out-Null

    # An import that was cut off.
    $slow = New-SlowImage (Join-Path $TestDrive cut.qcow2)
    $shell = [powershell]::Create()
    $running = $shell.AddScript("Import-Module '$ModulePath'; Import-IaaSVm '$slow'").BeginInvoke()
    Wait-Until { Get-IaaSOperation | Where-Object Step -EQ copy }
    $shell.Stop()
    Wait-Until { $running.IsCompleted }
    $shell.Dispose()

    # What is said with -WhatIf goes to the host; a transcript has it.
    function Get-Saying {
        param([scriptblock]$Command)
        $transcript = Join-Path $TestDrive 'transcript.txt'
        Start-Transcript $transcript -UseMinimalHeader | Out-Null
        try { & $Command | Out-Null } finally { Stop-Transcript | Out-Null }
        (Get-Content $transcript -Raw) -replace '\r?\n', ' '
    }
}

AfterAll {
    Undo-IaaSOperation -Confirm:$false
    Exit-TestHome
}

Describe 'Every cmdlet that changes something:' {
    It '<Name> is tried here' -ForEach $cmdlets { $Covered | Should -Contain $Name }
}

Describe '-WhatIf of <Name>' -ForEach $changes {
    BeforeAll { $before = Get-FolderState $fabric }

    It 'changes nothing, gives out nothing, and says what it would do' {
        $said = Get-Saying { & $Script @{ WhatIf = $true } | Should -BeNullOrEmpty }
        Get-FolderState $fabric | Should -Be $before
        $said | Should -Match ([regex]::Escape($Says))
    }

    It 'is the same by preference' {
        $WhatIfPreference = $true
        & $Script @{} | Should -BeNullOrEmpty
        $WhatIfPreference = $false
        Get-FolderState $fabric | Should -Be $before
    }
}

Describe '-WhatIf of an import' {
    It 'makes every refusal that the import would make' {
        { Import-IaaSVm $image -Name running -WhatIf -ErrorAction Stop } | Should -Throw -ErrorId 'VmNameTaken,*'
        { Import-IaaSVm $PSCommandPath -WhatIf -ErrorAction Stop } | Should -Throw -ErrorId 'DiskImageUnrecognised,*'
        { Import-IaaSVm $image -Name other -Memory 512 -WhatIf -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidMemorySize,*'
    }

    It 'in a fabric that nothing was ever imported to leaves that as empty as it was' {
        $empty = New-TestFabric (Join-Path $TestDrive empty) -Name empty
        $before = Get-FolderState $empty.Path
        Import-IaaSVm $image -WhatIf
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
