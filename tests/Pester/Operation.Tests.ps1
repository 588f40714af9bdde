# Imports that are cut off, by Ctrl+C, by a kill, by another runspace's end: nothing is visible as a machine, and each of three ways ends them.

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    $fabric = (Enter-TestHome).Path
    $slow = (New-SlowImage (Join-Path $TestHome slow.qcow2)).FullName
    $expected = (Get-IaaSImage $slow).Length

    # Begins an import in a shell of its own, waits until it copies, and ends the shell by a signal.
    function Stop-Import {
        param([string]$Signal, [string]$Name = 'slow')
        $shell = Start-Shell "Import-IaaSVm '$slow' -Name $Name -WarningAction Ignore" (Join-Path $TestHome "$Signal.txt")
        Wait-Until { Get-IaaSOperation | Where-Object { $_.VmName -eq $Name -and $_.Step -eq 'copy' } } 'an import that copies'
        kill "-$Signal" $shell.Id
        $shell.WaitForExit(60000) | Should -BeTrue
        Get-IaaSOperation | Where-Object VmName -EQ $Name
    }

    function Assert-Whole {
        param($Vm)
        $Vm.State | Should -Be Deallocated
        $Vm.Disks[0].Length | Should -Be $expected
        $Vm.Disks[0].Digest | Should -Not -BeNullOrEmpty
        Get-IaaSOperation | Should -BeNullOrEmpty
        Get-ChildItem (Join-Path $fabric imports) | Should -BeNullOrEmpty
    }
}

AfterAll { Exit-TestHome }

Describe 'An import ended by Ctrl+C' -Skip:$IsWindows {
    BeforeAll { $operation = Stop-Import INT }

    It 'is an operation, and no machine' {
        $operation.Kind, $operation.State, $operation.Step, $operation.Source, $operation.Context | Should -Be 'Import', 'Interrupted', 'copy', $slow, 'test'
        Get-IaaSVm | Should -BeNullOrEmpty
        Get-ChildItem (Join-Path $fabric machines) | Should -BeNullOrEmpty
    }

    It 'is named by whoever asks for the machine' {
        $failure = Get-ErrorOf { Start-IaaSVm slow -ErrorAction Stop }
        $failure.FullyQualifiedErrorId | Should -BeLike 'VmNotFound,*'
        $failure.ErrorDetails.RecommendedAction | Should -Be "Resume-IaaSOperation $($operation.Id) finishes it."
    }

    It 'keeps its name from other images' {
        $other = New-TestImage (Join-Path $TestHome other.raw)
        $failure = Get-ErrorOf { Import-IaaSVm $other.FullName -Name SLOW -ErrorAction Stop }
        $failure.FullyQualifiedErrorId | Should -BeLike 'VmNameReserved,*'
        $failure.CategoryInfo.Category | Should -Be ResourceExists
        $failure.ErrorDetails.RecommendedAction | Should -Match "Undo-IaaSOperation $($operation.Id)"
    }

    It 'does not go on when the image has changed meanwhile' {
        $time = (Get-Item $slow).LastWriteTimeUtc
        (Get-Item $slow).LastWriteTimeUtc = $time.AddHours(1)
        try { (Get-ErrorOf { Resume-IaaSOperation $operation.Id -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'SourceChanged,*' }
        finally { (Get-Item $slow).LastWriteTimeUtc = $time }
        (Get-IaaSOperation).State | Should -Be Interrupted
    }

    It 'is undone, and nothing is left' {
        Get-IaaSOperation | Undo-IaaSOperation | Should -BeNullOrEmpty
        Get-IaaSOperation | Should -BeNullOrEmpty
        Get-Leftover | Should -BeNullOrEmpty
        (Get-IaaSOperation -All).State | Should -Be Undone
        (Get-IaaSOperation $operation.Id).VmName | Should -Be 'slow'
    }

    It 'has ended then, and says so' {
        (Get-ErrorOf { Undo-IaaSOperation $operation.Id -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'OperationHasEnded,*'
        $failure = Get-ErrorOf { Resume-IaaSOperation (New-Guid) -ErrorAction Stop }
        $failure.FullyQualifiedErrorId | Should -BeLike 'OperationNotFound,*'
        $failure.CategoryInfo.Category | Should -Be ObjectNotFound
    }
}

Describe 'An import ended by kill -9' -Skip:$IsWindows {
    It 'is finished by Resume-IaaSOperation' {
        (Stop-Import KILL).State | Should -Be Interrupted
        $vm = Resume-IaaSOperation
        $vm.Name | Should -Be 'slow'
        Assert-Whole $vm
        (Start-IaaSVm slow).State | Should -Be Running
        Remove-IaaSVm slow -Force -Confirm:$false
    }

    It 'is finished by the same import again' {
        $id = (Stop-Import KILL).Id
        $said = Import-IaaSVm $slow -Name slow -Verbose 4>&1 3>$null
        "$said" | Should -Match 'was cut off .*; it is taken up'
        $said[-1].Origin.Operation | Should -Be $id
        Assert-Whole $said[-1]
        Remove-IaaSVm slow -Confirm:$false
    }
}

Describe 'An import that goes on' {
    It 'is Running, is left alone by others, and can be stopped' {
        $shell = [powershell]::Create()
        $running = $shell.AddScript("Import-Module '$ModulePath'; Import-IaaSVm '$slow' 3>`$null").BeginInvoke()
        try {
            Wait-Until { Get-IaaSOperation | Where-Object Step -EQ copy }
            $operation = Get-IaaSOperation
            $operation.State | Should -Be Running
            $failure = Get-ErrorOf { Undo-IaaSOperation $operation.Id -ErrorAction Stop }
            $failure.FullyQualifiedErrorId | Should -BeLike 'OperationIsRunning,*'
            $failure.CategoryInfo.Category | Should -Be ResourceBusy
            Resume-IaaSOperation -ErrorAction Stop | Should -BeNullOrEmpty
            $shell.Stop()
            Wait-Until { $running.IsCompleted }
        }
        finally { $shell.Dispose() }
        (Get-IaaSOperation).State | Should -Be Interrupted
    }

    It 'in a job is cut off by Stop-Job, and is taken up by another' {
        Undo-IaaSOperation
        $job = Import-IaaSVm $slow -AsJob
        Wait-Until { Get-IaaSOperation | Where-Object Step -EQ copy }
        $job | Stop-Job
        Wait-Until { $job.State -eq 'Stopped' }
        $job | Remove-Job
        (Get-IaaSOperation).State | Should -Be Interrupted
        $vm = Import-IaaSVm $slow -AsJob | Complete-Job 3>$null
        Assert-Whole $vm
    }

    It 'in another context is ended from here' -Skip:$IsWindows {
        Stop-Import INT -Name elsewhere | Out-Null
        New-TestFabric (Join-Path $TestHome second) -Name second | Out-Null
        Get-IaaSOperation -Context test | Undo-IaaSOperation -ErrorAction Stop
        Get-IaaSOperation -Context test | Should -BeNullOrEmpty
    }
}
